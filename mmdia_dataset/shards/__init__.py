"""Shards: samples in tars that training reads at full speed (WebDataset), and that strangers can check.

keys       a dialogue's id <-> the key of its sample
samples    a sample: a dialogue as JSON, its clips beside it
planning   which sample goes into which shard
stores     where shards lie: a folder, or any place fsspec reaches
writing    one shard: whole, verified, or not at all
sources    what is packed: a built directory
packing    all of it: `pack`
index      `index.json`: all shards and their hashes
card       `README.md`, for plain `load_dataset`
tarscan    a strict reader of tars
checking   every fault of a set of shards: `check`
reading    samples as the rows that the loader gives
"""
