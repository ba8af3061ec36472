"""A convolutional network, trained from scratch on Fashion-MNIST."""
