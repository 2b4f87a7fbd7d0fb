//! Eureka over HTTP: wire types, authentication, handlers, problems, OpenAPI.
