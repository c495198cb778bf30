//! Killed without notice during writes: whatever was answered is there again.

use crate::kit::{PASSWORD, Server, contoso};
use carnet_client::{
    Authority, Transport,
    acquire::password::{self, User},
    graph::Graph,
    setup::step1,
};
use carnet_wire::{catalogue::AZURE_POWERSHELL, secret::Password};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Kills.
const TIMES: usize = 100;
/// Writers at once.
const WRITERS: usize = 4;

async fn graph(server: &Server) -> Graph {
    let place = Authority::of_ready_file(&server.path("ready.json"), None).unwrap();
    let transport = Transport::new(&place).unwrap();
    let user = User {
        client: AZURE_POWERSHELL.parse().unwrap(),
        secret: None,
        name: "admin@contoso.example".into(),
        password: Password::new(PASSWORD.into()),
    };
    let token = password::acquire(&transport, &place, &user, &place.graph_scope()).await.unwrap();
    Graph::new(transport, &place, token.access)
}

/// Registers applications until the server is gone, and tells of each that was answered.
async fn write(graph: Arc<Graph>, name: String, told: mpsc::UnboundedSender<String>) {
    for number in 0.. {
        let Ok(made) = step1::create(&graph, &format!("{name}-{number}")).await else { return };
        if told.send(made["id"].as_str().unwrap().to_owned()).is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_hundred_kills_row_f1() {
    let mut server = Server::start(&contoso(""));
    let mut kept: Vec<String> = Vec::new();
    for round in 0..TIMES {
        let graph = Arc::new(graph(&server).await);
        let (tell, mut told) = mpsc::unbounded_channel();
        for writer in 0..WRITERS {
            tokio::spawn(write(graph.clone(), format!("r{round}-w{writer}"), tell.clone()));
        }
        drop(tell);
        // The kill comes at another point of the stream of writes each time.
        for _ in 0..=(round * 7 % 11) {
            kept.extend(told.recv().await);
        }
        server.kill_and_restart();
        while let Some(id) = told.recv().await {
            kept.push(id);
        }
    }
    let there = graph(&server).await.list("/applications?$select=id&$top=999").await.unwrap();
    let there: std::collections::HashSet<&str> = there.iter().filter_map(|it| it["id"].as_str()).collect();
    let lost: Vec<&String> = kept.iter().filter(|id| !there.contains(id.as_str())).collect();
    assert!(kept.len() > TIMES && lost.is_empty(), "{} of {} were lost", lost.len(), kept.len());
    server.stop();
    let database = rusqlite::Connection::open(server.path("data/carnet.db")).unwrap();
    let verdict: String = database.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}
