"""Readers of the labels of face data sets.

In reading order:

    listing: read the labels of a data set of any known kind
    rows: one row per photo: file, age and person
    imdb_wiki: the labels in wiki.mat and imdb.mat
    imdb_wiki_reader: a program that reads these files in a process of its own
"""
