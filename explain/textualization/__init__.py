"""From events and utterances to observations and a timeline. Knows no models."""
