"""How fast pipelines are, side by side: workers, rounds, spreads, agreement of outputs.

Nothing is imported here: a worker is a fresh process that starts in this folder, and its start-up
is part of what is measured.
"""
