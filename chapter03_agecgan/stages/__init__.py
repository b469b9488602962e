"""The three stages of training, each with its losses.

In reading order:

    gan: a conditional GAN of faces and ages
    encoder: a network that guesses the latent of a photo
    identity: adjusts latents or networks so that the person stays the same
"""
