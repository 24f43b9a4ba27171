"""Labelled clips to Exp-CoT instruction data, and tuning on it. Never imports eval."""
