"""How much of a namespace a report reads, and how much of it a page shows.

Beyond a cap of what is read, items are drawn by a hash of their keys, so that the same state gives
the same draw. The page names each cap that was reached.
"""

__all__ = [
    "MOST_ACTORS",
    "MOST_BUCKETS",
    "MOST_CATEGORIES_LISTED",
    "MOST_CHANGES",
    "MOST_CONFUSIONS",
    "MOST_DRIFT_LINES",
    "MOST_DRIFT_MEMBERS",
    "MOST_GROUPS",
    "MOST_INFLUENCES",
    "MOST_KEY",
    "MOST_MAP_CATEGORIES",
    "MOST_MAP_ITEMS",
    "MOST_MAP_LABELS",
    "MOST_MISFITS",
    "MOST_REVIEWED",
    "MOST_SUGGESTIONS",
    "MOST_TEXT",
]

#: Members that fit another category better, the most suspicious ones. Each thousand of them is a
#: pass over all members.
MOST_MISFITS = 10_000
#: Influences of an author on a category, the largest ones. Each thousand is such a pass, too.
MOST_INFLUENCES = 10_000
#: Changes of the history, the newest ones.
MOST_CHANGES = 200_000
#: Members of a category whose drift over time is computed; a larger category has no line.
MOST_DRIFT_MEMBERS = 20_000

#: Categories, items and labels of the map.
MOST_MAP_CATEGORIES = 200
MOST_MAP_ITEMS = 1_500
MOST_MAP_LABELS = 100
#: Lines of drift over time.
MOST_DRIFT_LINES = 6
#: Periods of a chart over time.
MOST_BUCKETS = 24
#: Rows of each table.
MOST_CATEGORIES_LISTED = 200
MOST_CONFUSIONS = 25
MOST_REVIEWED = 50
MOST_ACTORS = 20
MOST_SUGGESTIONS = 15
MOST_GROUPS = 10
#: Characters of a key and of an item's text.
MOST_KEY = 60
MOST_TEXT = 160
