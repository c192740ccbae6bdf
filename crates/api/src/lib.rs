//! HTTP: one router per function, authentication, problems, OpenAPI.
