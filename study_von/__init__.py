"""Visual Object Networks: a shape, a viewpoint and a texture make an image.

In reading order:

    config: every option with its default, meaning and source
    projection: from a volume and a viewpoint to silhouette and depth
    sketches: 2.5D sketches: silhouette and depth, cut out
    texture_field: a colour for each point of the surface, times light
    networks: the networks of all three stages
    viewpoints: pools of viewpoints, from files or a formula
    data_sets: photos with masks, and distance fields
    data: the shapes and photos of a run, and the stand-in
    given_shapes: a shape from a file, voxels or a mesh
    explanation: a picture of the projection, step by step
    sketch_batches: sketches of many volumes
    volumes: the shape network's volumes without fragments, or a file's
    stages: the losses of each stage
    training_data: the batches of the stages texture and joint
    training: `train` for all stages, and the networks of a run
    sketch_pictures: pictures of volumes, silhouettes and depths
    painting: images of volumes or of generated shapes; textures of photos
    generation: new images
    textured_mesh: surfaces with a colour for each vertex, from images of all sides
    editing: one of the three factors changes
    turning: objects that turn
    texture_transfer: the texture of photos on other shapes
    gallery_page: a page on which shape, viewpoint and texture change by turns
    foregrounds: which pixels of a picture show the object
    colours: colours of objects, their spread, and what `transfer` keeps of them
    consistency: whether an object stays the same from view to view
    renders: pictures of shapes from known viewpoints
    pose_regression: the network that reads viewpoints
    shape_evaluation: chapter 2's scores of shapes
    baselines: a DCGAN trained on the same photos for the same minutes
    score_sheets: the pictures of `test`
    evaluation: scores against held-out photos and shapes
    tuning: what `tune` searches and measures
    commands: the options of each command
    main: the command line
"""

from common.startup import attach

# Each name is imported when it is first used: TensorFlow takes seconds.
__getattr__, __dir__, __all__ = attach(
    __name__,
    plain={
        "config": ["Config", "PRESETS"],
        "data": ["describe", "load_photos", "load_shapes", "load_split", "make_data"],
        "viewpoints": ["open_pool"],
    },
    with_tensorflow={
        "networks": ["build_discriminator", "build_generator"],
        "training": ["load_networks", "train"],
        "explanation": ["explain"],
        "generation": ["generate", "sample"],
        "editing": ["edit"],
        "turning": ["turntable"],
        "texture_transfer": ["transfer"],
        "gallery_page": ["gallery"],
        "evaluation": ["test"],
        "tuning": ["make_objective"],
    },
)
