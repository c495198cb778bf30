create table meta(name text not null primary key, value bytea not null);

create table tenant(
    id text not null primary key,
    version bigint not null,
    audit_head bytea not null,
    file_digest text not null
);

create table object(
    tenant_id text not null,
    kind text not null,
    id text not null,
    version bigint not null,
    deleted bigint not null,
    body bytea not null,
    primary key (tenant_id, kind, id)
);
create index object_by_version on object(tenant_id, version);
create index object_dead on object(deleted) where deleted > 0;

create table object_key(
    scope text not null,
    space text not null,
    name text not null,
    tenant_id text not null,
    kind text not null,
    id text not null,
    primary key (scope, space, name)
);
create index object_key_by_object on object_key(tenant_id, kind, id);

create table audit(
    tenant_id text not null,
    version bigint not null,
    at bigint not null,
    body text not null,
    previous bytea not null,
    digest bytea not null,
    primary key (tenant_id, version)
);

create table artifact(
    digest bytea not null primary key,
    kind text not null,
    tenant_id text not null,
    family text not null,
    user_id text not null,
    generation bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    consumed_at bigint not null,
    body bytea not null
);
create index artifact_by_expiry on artifact(expires_at);

create table family(
    id text not null primary key,
    tenant_id text not null,
    user_id text not null,
    app_id text not null,
    generation bigint not null,
    rotated_at bigint not null,
    revoked_at bigint not null,
    expires_at bigint not null
);
create index family_by_user on family(tenant_id, user_id);
create index family_by_app on family(tenant_id, app_id);
create index family_by_expiry on family(expires_at);

create table attempt(
    tenant_id text not null,
    account bytea not null,
    source text not null,
    count bigint not null,
    locked_until bigint not null,
    stopped bigint not null,
    repeated bigint not null,
    d1 bytea not null,
    d2 bytea not null,
    d3 bytea not null,
    updated_at bigint not null,
    primary key (tenant_id, account, source)
);
create index attempt_by_age on attempt(updated_at);

create table known_source(
    tenant_id text not null,
    account bytea not null,
    source text not null,
    seen_at bigint not null,
    primary key (tenant_id, account, source)
);

create table spent(
    tenant_id text not null,
    digest bytea not null,
    expires_at bigint not null,
    primary key (tenant_id, digest)
);
create index spent_by_expiry on spent(expires_at);

create table sign_in(
    tenant_id text not null,
    node text not null,
    n bigint not null,
    at bigint not null,
    body text not null,
    digest bytea not null,
    primary key (tenant_id, at, node, n)
);

create table unknown_client(
    tenant_id text not null,
    code bigint not null,
    address text not null,
    minute bigint not null,
    count bigint not null,
    primary key (tenant_id, code, address, minute)
);

create table signing_key(
    tenant_id text not null,
    slot bigint not null,
    kid text not null,
    created_at bigint not null,
    body bytea not null,
    primary key (tenant_id, slot)
);
