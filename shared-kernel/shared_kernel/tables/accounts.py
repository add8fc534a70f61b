"""Who logs in, with what password, and which logins are open."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import MYSQL, Base, Hash, Moment, Ulid, Word, ascii_text, one_of, table
from shared_kernel.tables.organisations import ROOT_ORG_ID


class User(Base):
    """Somebody who logs in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        Index("ix_users_org_id", "org_id", "user_id"),
        Index("ix_users_role", "role"),
        Index("ix_users_created_at", "created_at"),
        one_of("status", "active", "disabled"),
        table("Somebody who logs in. The role decides the permissions; grants decide single cameras."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    username: Mapped[str] = mapped_column(
        String(64).with_variant(mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), *MYSQL),
        comment="what is typed at login; stored case-folded (NFKC), so the same name exists once",
    )
    display_name: Mapped[str] = mapped_column(String(64), comment="what others see")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), default=ROOT_ORG_ID, comment="whose: sees this organisation and those below"
    )
    role: Mapped[Word] = mapped_column(ForeignKey("roles.code"), comment="which role: decides the permissions")
    status: Mapped[Word] = mapped_column(comment="active or disabled; a disabled user is out within seconds")
    created_at: Mapped[Moment] = mapped_column(comment="when the account was made")
    last_login_at: Mapped[Moment | None] = mapped_column(comment="last successful login")
    bio: Mapped[str | None] = mapped_column(String(200), comment="what they say of themselves")
    phone: Mapped[str | None] = mapped_column(ascii_text(20), comment="telephone number, for their superiors")
    note: Mapped[str | None] = mapped_column(String(500), comment="what superiors note about them")
    updated_at: Mapped[Moment | None] = mapped_column(comment="when the account last changed; null: never")
    totp_cipher: Mapped[str | None] = mapped_column(
        ascii_text(255), comment="secret of the second factor, Fernet; null: none"
    )
    totp_at: Mapped[Moment | None] = mapped_column(comment="since when it is asked for; null: not confirmed yet")
    totp_step: Mapped[int | None] = mapped_column(BigInteger, comment="time step of the last code: it works once")
    totp_recovery: Mapped[str | None] = mapped_column(Text, comment="JSON: hashes of the unused recovery codes")


class UserCredential(Base):
    """The password, apart from the user, so that no profile query can return it."""

    __tablename__ = "user_credentials"
    __table_args__ = (table("Password of a user, apart from the user so that no profile query can return it."),)

    user_id: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, comment="whose password"
    )
    password_hash: Mapped[str] = mapped_column(ascii_text(255), comment="argon2id, encoded with its parameters")
    must_change: Mapped[bool] = mapped_column(comment="true for one-time passwords: nothing else works before")
    changed_at: Mapped[Moment] = mapped_column(comment="when this password was set")


class AuthSession(Base):
    """One refresh token of a login."""

    __tablename__ = "auth_sessions"
    __table_args__ = (
        UniqueConstraint("refresh_hash"),
        Index("ix_auth_sessions_family_id", "family_id"),
        Index("ix_auth_sessions_user_id", "user_id"),
        Index("ix_auth_sessions_expires_at", "expires_at"),
        table("One refresh token. Each use replaces it by a new one of its family; a second use revokes the family."),
    )

    auth_session_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    family_id: Mapped[Ulid] = mapped_column(comment="one login: all tokens that came from it")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), comment="who logged in")
    refresh_hash: Mapped[Hash] = mapped_column(comment="SHA-256 of the token; the token itself is nowhere")
    rotation: Mapped[int] = mapped_column(comment="0 at login, one more with each replacement")
    address: Mapped[str] = mapped_column(ascii_text(45), comment="network address that asked for it")
    client: Mapped[Word] = mapped_column(default="browser", comment="browser, mini_program or token")
    device: Mapped[str | None] = mapped_column(String(120), comment="what the client calls itself")
    created_at: Mapped[Moment] = mapped_column(comment="when it was given out")
    expires_at: Mapped[Moment] = mapped_column(comment="after this it is refused")
    replaced_at: Mapped[Moment | None] = mapped_column(comment="when it was used; using it again is an alarm")
    revoked_at: Mapped[Moment | None] = mapped_column(comment="logout, password change, or reuse of an old token")


class UserIdentity(Base):
    """A login that somebody else vouches for."""

    __tablename__ = "user_identities"
    __table_args__ = (
        UniqueConstraint("user_id", "provider"),
        Index("ix_user_identities_union_id", "union_id"),
        one_of("provider", "wechat"),
        table("A WeChat identity that is bound to an account. One an account, one account an identity."),
    )

    provider: Mapped[Word] = mapped_column(primary_key=True, comment="wechat")
    subject: Mapped[str] = mapped_column(ascii_text(64), primary_key=True, comment="openid of the mini-program")
    union_id: Mapped[str | None] = mapped_column(ascii_text(64), comment="unionid, where WeChat gives one")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), comment="whose")
    created_at: Mapped[Moment] = mapped_column(comment="when it was bound")


class OneTimeLink(Base):
    """A link that sets a password once."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        UniqueConstraint("link_hash"),
        Index("ix_one_time_links_user_id", "user_id"),
        Index("ix_one_time_links_expires_at", "expires_at"),
        one_of("kind", "reset", "first"),
        table("A link with which somebody sets a password: once, and for a while."),
    )

    link_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    kind: Mapped[Word] = mapped_column(comment="reset, or first (of a new account)")
    link_hash: Mapped[Hash] = mapped_column(comment="SHA-256 of its secret; the secret itself is nowhere")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), comment="whose password")
    created_by: Mapped[Ulid | None] = mapped_column(comment="which user made it; null: command line")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    expires_at: Mapped[Moment] = mapped_column(comment="after this it is refused")
    used_at: Mapped[Moment | None] = mapped_column(comment="when it was used; a second use is refused")


class ApiToken(Base):
    """A key for a program."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_api_tokens_org_id", "org_id"),
        Index("ix_api_tokens_created_by", "created_by"),
        table("A key for a program: some permissions in one organisation, never more than who made it holds."),
    )

    token_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    token_hash: Mapped[Hash] = mapped_column(comment="SHA-256 of the token; the token itself is nowhere")
    name: Mapped[str] = mapped_column(String(64), comment="what it is for")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), comment="where its permissions hold, with those below"
    )
    permissions: Mapped[str] = mapped_column(Text, comment="JSON: names of permissions")
    created_by: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), comment="who made it and answers for it"
    )
    created_at: Mapped[Moment] = mapped_column(comment="when")
    expires_at: Mapped[Moment | None] = mapped_column(comment="after this it is refused; null: no end")
    last_used_at: Mapped[Moment | None] = mapped_column(comment="about when it last was used")
    last_address: Mapped[str | None] = mapped_column(ascii_text(45), comment="from which network address")
    revoked_at: Mapped[Moment | None] = mapped_column(comment="when it was taken back")


class LoginThrottle(Base):
    """Failed logins of one name or one address."""

    __tablename__ = "login_throttles"
    __table_args__ = (
        Index("ix_login_throttles_updated_at", "updated_at"),
        table("Failed logins of one name or one address. In the database, so that a restart forgives nobody."),
    )

    subject: Mapped[str] = mapped_column(
        ascii_text(80), primary_key=True, comment="user:<SHA-256 of the name> or address:<network address>"
    )
    failed_count: Mapped[int] = mapped_column(comment="failures since the window began")
    window_started_at: Mapped[Moment] = mapped_column(comment="first failure that counts")
    blocked_until: Mapped[Moment | None] = mapped_column(comment="attempts before this are refused unseen")
    updated_at: Mapped[Moment] = mapped_column(comment="last attempt; old rows are removed")
