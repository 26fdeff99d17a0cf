"""Draw K versions of N pictures by any method, score them, tabulate: one runner, one seed rule.

``sources``: the pictures and their names; ``methods``: one interface for what draws; ``bench``: draw
and score; ``pairing``: differences on the same pictures; ``tables``: rows, Markdown, files;
``evaluate``: the command ``jgm evaluate``; ``registry``: the experiments of ``jgm experiment``, a
module each. The noise of a version follows from (seed, picture,
version) alone, by ``noise.version_seed``.
"""
