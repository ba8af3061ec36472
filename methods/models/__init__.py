"""Gaussian-process models: kernels, priors, likelihood, posterior, hyperparameter sampling."""
