//! An HTTP proxy that leads Microsoft's host names to the server under test, and no other name anywhere.

use carnet_http::context::microsoft_surface;
use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A running proxy. It ends with the test's process.
pub struct Proxy {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy whose tunnels end at the server with this address.
    pub fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (asked, server) = (Arc::<Mutex<Vec<String>>>::default(), server.to_owned());
        let names = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (names, server) = (Arc::clone(&names), server.clone());
                // A client that breaks off is the client's own affair.
                thread::spawn(move || drop(tunnel(client, &server, &names)));
            }
        });
        Self { url, asked }
    }

    /// How many tunnels to this name were opened.
    pub fn tunnels(&self, name: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == name).count()
    }
}

/// Serves one `CONNECT`.
fn tunnel(mut client: TcpStream, server: &str, names: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let target = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let name = target.rsplit_once(':').map_or(target, |(name, _)| name).to_owned();
    let known = microsoft_surface(&name).is_some();
    names.lock().unwrap().push(name);
    if !known {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut to_server = TcpStream::connect(server)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_server, mut to_client) = (to_server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let copied = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
        copied
    });
    io::copy(&mut reader, &mut to_server)?;
    let _ = to_server.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}
