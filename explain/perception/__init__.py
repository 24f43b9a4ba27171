"""From a media file to cue tracks, utterances and events. Knows no emotions."""
