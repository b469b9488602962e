"""What makes a training adversarial: losses, latents and the one compiled step.

In reading order:

    losses: adversarial losses on logits, and penalties of D's gradient
    latents: the prior that latents are drawn from, and walks between them
    augment: images that are changed before D sees them
    step: a phase, and what its loss function sees
    adversarial_model: the training step that runs the phases
    replicas: sums and means over the devices that share a batch
    optimizers: the optimizers of D and G
    weight_averages: moving and historical averages of weights
    rng: random numbers that depend on seed and step alone
    sampling: a trained generator run on latents, part by part
"""
