"""The composer. Words and footage become a plan, the plan becomes notes.

==================  ==========================================================================================
words               `library` (palettes, moods, words) · `words` · `brief`
plan                `plan` · `tempo` (fit to the cuts) · `form` (sections)
notes               `theory` (numerals, scales) · `chance` (randomness by name) · `harmony` · `voicing` · `melody`
                    · `accompaniment` · `drums` · `humanise` · `compose` (the passes in order)
proof               `metrics` and its fellows · `onsets` · `gates` · `report` · `midi`
==================  ==========================================================================================
"""
