-- Hardly ever is anybody locked: whoever reads a token learns from this index whether it is worth looking closer.
create index attempt_locked on attempt(tenant_id, locked_until) where locked_until > 0;
