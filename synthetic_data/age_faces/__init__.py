"""A stand-in for IMDB-WIKI: procedurally drawn people at different ages.

In reading order:

    write: draws one person, or writes a whole data set
    people: the identity of a person, and what differs from photo to photo
    ageing: how age changes a person
    head: background, head, neck and clothes
    features: eyes, brows, nose, mouth, beard and glasses
    hair: hair behind and in front of the head
    lines: wrinkles, freckles, age spots and a mole
    records: the rows of wiki.mat
"""
