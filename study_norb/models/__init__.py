"""The games: each file builds the networks, the losses and the phases of one model.

In reading order:

    dcgan: one discriminator, and labels by projection or by guessing
    capsgan: a discriminator of capsules, with the margin loss
    aegan: generator, encoder, and discriminators of images and of latents
"""
