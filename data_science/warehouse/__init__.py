"""Where the data live: the fitted model as a query that their engine runs.

Needs the extra ``warehouse``; Ibis compiles, and nothing here knows an engine but by its dialect.
"""
