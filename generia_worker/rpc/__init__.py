"""The platform's gRPC services: protos, generated stubs, and one thin typed client a service.

Nothing outside of this package touches the generated stubs: clients are in `worlds`, `characters`, `posts`
and `media`, and who implements a service takes messages and servicer bases from `wire`.
"""
