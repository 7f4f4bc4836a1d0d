"""The platform's gRPC services: protos, generated stubs, and one thin typed client a service.

Nothing outside of this package imports the generated stubs: callers use `world_client`, `character_client`,
`post_client` and `media_client`, and whoever implements a service takes messages and servicer bases from `wire`.
"""
