"""Data sets of photos with ages, as they lie on the disk.

In reading order:

    listing: which kind of data set a folder holds
    rows: one row a photo: file, age, person
    imdb_wiki: the labels in wiki.mat and imdb.mat
    imdb_wiki_reader: a program that reads them in a process of its own
"""
