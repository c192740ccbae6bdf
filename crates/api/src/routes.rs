use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use axum::{Router, middleware};

use crate::edge::{self, Edge};
use crate::metrics::Function;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// The routes of one function, and their list.
pub(crate) struct Routes {
    function: Function,
    listed: Vec<(Method, &'static str)>,
    router: Router<AppState>,
}

impl Routes {
    pub(crate) fn new(function: Function) -> Self {
        Self {
            function,
            listed: Vec::new(),
            router: Router::new(),
        }
    }

    pub(crate) fn get<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        self.route(Method::GET, path, get(handler))
    }

    pub(crate) fn post<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        self.route(Method::POST, path, post(handler))
    }

    pub(crate) fn put<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, AppState>,
    ) -> Self {
        self.route(Method::PUT, path, put(handler))
    }

    fn route(mut self, method: Method, path: &'static str, to: MethodRouter<AppState>) -> Self {
        self.listed.push((method, path));
        self.router = self.router.route(path, to);
        self
    }

    /// Lists methods and paths, as OpenAPI describes them.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> &[(Method, &'static str)] {
        &self.listed
    }

    /// Puts the edge in front of every route.
    pub(crate) fn routed(self, state: &AppState) -> Router<AppState> {
        let edge = Edge {
            state: state.clone(),
            function: self.function,
        };
        self.router.layer(from_fn_with_state(edge, edge::pass))
    }
}

/// Answers unknown paths and methods, and makes routers one service.
pub(crate) fn complete(
    routed: impl IntoIterator<Item = Router<AppState>>,
    state: &AppState,
) -> Router {
    let none = Edge {
        state: state.clone(),
        function: Function::None,
    };
    let layer = middleware::from_fn_with_state(none, edge::pass);
    routed
        .into_iter()
        .fold(Router::new(), Router::merge)
        .fallback(no_such_path.layer(layer.clone()))
        .method_not_allowed_fallback(method_not_allowed.layer(layer))
        .with_state(state.clone())
}

async fn no_such_path() -> Problem {
    Problem::new(Kind::NoSuchPath, "there is nothing at this path")
        .with_hint("`/openapi.json` lists the paths")
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        "the header `Allow` lists the methods that this path takes",
    )
}
