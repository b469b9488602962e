"""Rooms without people: backgrounds for rendered objects.

In reading order:

    room: walls, a floor in perspective, and what stands and hangs there
"""
