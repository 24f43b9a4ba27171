"""Label sets and dataset readers, shared by data_engine and eval."""
