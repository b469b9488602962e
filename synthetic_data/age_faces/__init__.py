"""People at different ages, in the format of IMDB-WIKI.

In reading order:

    write: a whole data set
    people: who is in the photo
    ageing: how age changes a person
    head: head, neck and clothes
    features: eyes, brows, nose, mouth, beard and glasses
    hair: hair
    lines: wrinkles, freckles and spots
    records: the rows of wiki.mat
"""
