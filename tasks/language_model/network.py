"""A decoder-only transformer like nanoGPT: pre-norm, learned positions, tied weights."""

from __future__ import annotations

import math

import torch
from torch import nn

HEAD = 32
"""width of each attention head"""


class Transformer(nn.Module):
    """Predict the next token at each position of a window.

    Layers have no biases; the output layer shares its weights with the token embedding. Weights
    are drawn from torch's global random state: normal with standard deviation 0.02, or
    0.02 / sqrt(2 * layers) in the last layer of each residual branch (as in GPT-2).
    """

    def __init__(
        self, characters: int, context: int, width: int, layers: int, dropout: float
    ) -> None:
        """``width`` is a multiple of 32; there are ``width / 32`` attention heads."""
        super().__init__()
        self.tokens = nn.Embedding(characters, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Block(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                ends_branch = name.endswith("out.weight")
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * layers) if ends_branch else 1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens ``(n, length)`` to logits ``(n, length, characters)``."""
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(positions))
        for block in self.blocks:
            x = block(x)
        return nn.functional.linear(self.norm(x), self.tokens.weight)


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.drop = width // HEAD, dropout
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.attention_in = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.norm_mlp = nn.LayerNorm(width, bias=False)
        self.mlp_in = nn.Linear(width, 4 * width, bias=False)
        self.mlp_out = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        count, length, width = x.shape
        parts = self.attention_in(self.norm_attention(x)).chunk(3, dim=2)
        q, k, v = (p.view(count, length, self.heads, HEAD).transpose(1, 2) for p in parts)
        mixed = nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, dropout_p=self.drop if self.training else 0.0
        )
        mixed = mixed.transpose(1, 2).reshape(count, length, width)
        x = x + self.dropout(self.attention_out(mixed))
        hidden = nn.functional.gelu(self.mlp_in(self.norm_mlp(x)))
        return x + self.dropout(self.mlp_out(hidden))
