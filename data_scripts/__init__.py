"""One module a data set; all end in the same packed form (see ``common``)."""
