"""Gaussian-process core: kernels, priors, likelihood and posterior, hyperparameter sampling."""
