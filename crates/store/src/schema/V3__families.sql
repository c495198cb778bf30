-- A removed user's tokens end with the user, and an account that gets the id again takes none that are older than
-- itself. To every code that was redeemed this index cost a page for each user.
drop index family_by_user;
