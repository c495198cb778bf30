-- Failed passwords of one source over all accounts of a tenant; a row dies with its window of ten minutes.
create table source_failure(
    tenant_id text not null,
    source text not null,
    began_at bigint not null,
    count bigint not null,
    stopped bigint not null,
    primary key (tenant_id, source)
);
create index source_failure_by_age on source_failure(began_at);
-- Known sources are removed when they were not seen for long.
create index known_source_by_age on known_source(tenant_id, seen_at);
