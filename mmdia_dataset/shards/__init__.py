"""Shards: samples in tars that training reads at full speed (WebDataset), and that strangers can check.

keys          a dialogue's id <-> the key of its sample
tar_samples   a sample: a dialogue as JSON, and its clips
planning      which sample goes into which shard
stores        where shards are stored: a folder, or any place fsspec reaches
shard_writer  writes one shard: whole, verified, or not at all
clip_stock    what is packed: the clips of a built directory
release_stock or the sounds of a release
films         or clips cut from films while packing
shard_set     writes a set of shards; continues after a kill, and writes the index last
direct        packs from films
packing       packs from a built directory, or from a release with sound
packreport    what `pack` did
index         `index.json`: all shards and their hashes
shard_card    `README.md`, for plain `load_dataset`
tarscan       a strict reader of tars
lengths       how long a media file plays, from its header
faults        what `check` found
shardcheck    checks one shard
open_shards   samples as the rows that the loader gives
"""
