"""The toy chapter with trouble that kills the process which runs the trial."""
