"""What all chapters do alike: data, training, runs, pictures, metrics, commands."""
