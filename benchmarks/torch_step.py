"""The 3D-GAN's training step in PyTorch, only for comparison."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from chapter02_3dgan.config import Config
from chapter02_3dgan.networks import filters


def torch_step(config: Config, real: np.ndarray) -> Callable[[], object]:
    """Return a function that runs one step: D on real and generated volumes, then G.

    Args:
        config: options of the networks and optimizers.
        real: (B, S, S, S, 1), float32.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    counts = filters(config)
    generator = _generator(config, counts).to(device)
    discriminator = _discriminator(config, counts).to(device)
    betas = (config.beta_1, config.beta_2)
    d_adam = torch.optim.Adam(discriminator.parameters(), config.d_learning_rate, betas)
    g_adam = torch.optim.Adam(generator.parameters(), config.g_learning_rate, betas)
    softplus = nn.functional.softplus
    batch = torch.tensor(np.moveaxis(real, -1, 1)).to(device)

    def step() -> float:
        latent = torch.randn(len(batch), config.latent_dim, 1, 1, 1, device=device)
        fake = generator(latent)
        d_loss = softplus(-discriminator(batch)).mean()
        d_loss = d_loss + softplus(discriminator(fake.detach())).mean()
        d_adam.zero_grad(set_to_none=True)
        d_loss.backward()
        d_adam.step()
        latent = torch.randn(len(batch), config.latent_dim, 1, 1, 1, device=device)
        discriminator.requires_grad_(False)
        g_loss = softplus(-discriminator(generator(latent))).mean()
        g_adam.zero_grad(set_to_none=True)
        g_loss.backward()
        g_adam.step()
        discriminator.requires_grad_(True)
        return g_loss.item()

    return step


def _generator(config: Config, counts: list[int]) -> nn.Module:
    layers = [nn.ConvTranspose3d(config.latent_dim, counts[0], 4, bias=False)]
    for count, following in zip(counts, [*counts[1:], 1], strict=True):
        layers += [nn.BatchNorm3d(count), nn.ReLU()]
        layers += [nn.ConvTranspose3d(count, following, 4, 2, 1, bias=following == 1)]
    return nn.Sequential(*layers, nn.Sigmoid())


def _discriminator(config: Config, counts: list[int]) -> nn.Module:
    layers, before = [], 1
    for number, count in enumerate(reversed(counts)):
        norm = config.d_norm == "batch" and number > 0
        layers += [nn.Conv3d(before, count, 4, 2, 1, bias=config.bias and not norm)]
        layers += [nn.BatchNorm3d(count)] if norm else []
        layers += [nn.LeakyReLU(0.2)]
        before = count
    return nn.Sequential(*layers, nn.Conv3d(before, 1, 4), nn.Flatten())
