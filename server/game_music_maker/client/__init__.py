"""One method for each endpoint of the contract, over HTTP. No memory, no policy.

`nemo.Nemo` is the door; `stream.Turn` is a running chat turn; `tokens` keeps anonymous tokens; `download`
brings files to the disk whole; `net` decides which addresses may be contacted.
"""
