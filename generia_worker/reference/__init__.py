"""The reference platform: world, character, post and media services as gRPC servers over MongoDB and S3.

It implements the contract that the worker lives in, so that everything runs from this one repository; the
worker never imports it. Each service has a folder of its own and imports no other one, so that a change of one
rebuilds its image alone; what they share is in `shared/`, which imports none of them.
"""
