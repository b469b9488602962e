"""Adversarial training: losses, latents and the one compiled step.

In reading order:

    losses: adversarial losses on logits, and penalties on D's gradient
    latents: the prior of the latents, and walks between latents
    augment: changes of the images before D sees them
    step: a phase, and what its loss function receives
    adversarial_model: the training step that runs the phases
    replicas: sums and means over the devices that share a batch
    optimizers: the optimizers of D and G
    weight_averages: moving and historical averages of weights
    rng: random numbers that depend on the seed and the step only
    sampling: the images of a trained generator, computed batch by batch
"""
