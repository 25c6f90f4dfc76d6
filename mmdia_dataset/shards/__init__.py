"""Shards: samples in tars that training reads at full speed (WebDataset), and that strangers can check.

keys       a dialogue's id <-> the key of its sample
samples    a sample: a dialogue as JSON, its clips beside it
planning   which sample goes into which shard
stores     where shards lie: a folder, or any place fsspec reaches
writing    one shard: whole, verified, or not at all
sources    what is packed: the clips of a built directory
films      or clips cut from films on the way
making     a set while it is made: what a run after a kill goes on from, and the end that makes it whole
direct     packing from films
packing    packing from a built directory, and `pack` for both
packreport what it did
index      `index.json`: all shards and their hashes
card       `README.md`, for plain `load_dataset`
tarscan    a strict reader of tars
checking   every fault of a set of shards: `check`
reading    samples as the rows that the loader gives
"""
