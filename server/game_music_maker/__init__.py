"""Game Music Maker: game footage and one sentence in, a scored video out.

The version's one source is the frontmatter of SKILL.md (``metadata.version``); see `game_music_maker.skill`.
"""
