-- Failures beyond the first of a minute, counted. By minute first, so that the janitor finds the old ones.
create table denial_count(
    minute bigint not null,
    tenant_id text not null,
    code bigint not null,
    app_id text not null,
    source text not null,
    count bigint not null,
    primary key (minute, tenant_id, code, app_id, source)
);
insert into denial_count(minute, tenant_id, code, app_id, source, count)
    select minute, tenant_id, code, '', address, count from unknown_client;
-- The table stays until no node of the release before can be running; such a node still counts in it.

-- The source that asked for a device code, while the code waits for its user; empty for everything else.
alter table artifact add column source text not null default '';
create index device_pending on artifact(tenant_id, source, expires_at) where source <> '';

-- The last audit entry that the retention removed: where verification starts.
create table audit_anchor(
    tenant_id text not null primary key,
    version bigint not null,
    digest bytea not null
);
