//! The Power Platform's APIs: the Power Platform API and its administration API (BAP).

/// A row of one of the hosts.
macro_rules! route {
    ($surface:ident $method:ident $path:literal, $access:ident, $module:literal, $handler:expr) => {
        Route {
            surface: Surface::$surface,
            method: Some(&Method::$method),
            path: $path,
            module: $module,
            endpoint: Endpoint::Guarded(&Access::Platform(&$access), |cx, called, call| {
                Box::pin($handler(cx, called, call))
            }),
        }
    };
}

pub mod bap;
pub mod power_platform;
