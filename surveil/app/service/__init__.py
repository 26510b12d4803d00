"""`surveil serve`: cameras watched for weeks by a file that may change at any time.

`service` is the loop; around it stand a lock (one process a machine), the status file, what outlives a
restart, the recorder of annotated pieces and tracks, the watch over the file, messages to the supervisor, and
figures for Prometheus.
"""
