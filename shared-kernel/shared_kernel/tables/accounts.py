"""Who logs in, with what password, and which logins are open."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import MYSQL, Base, Hash, Moment, Ulid, Word, ascii_text, one_of, table


class User(Base):
    """Somebody who logs in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        one_of("role", "administrator", "officer", "guard"),
        one_of("status", "active", "disabled"),
        table("Somebody who logs in. The role decides the permissions; grants decide single cameras."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    username: Mapped[str] = mapped_column(
        String(64).with_variant(mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), *MYSQL),
        comment="what is typed at login; stored case-folded (NFKC), so the same name exists once",
    )
    display_name: Mapped[str] = mapped_column(String(64), comment="what others see")
    role: Mapped[Word] = mapped_column(comment="administrator, officer (sees all cameras) or guard (granted ones)")
    status: Mapped[Word] = mapped_column(comment="active or disabled; a disabled user is out within seconds")
    created_at: Mapped[Moment] = mapped_column(comment="when the account was made")
    last_login_at: Mapped[Moment | None] = mapped_column(comment="last successful login")


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
    created_at: Mapped[Moment] = mapped_column(comment="when it was given out")
    expires_at: Mapped[Moment] = mapped_column(comment="after this it is refused")
    replaced_at: Mapped[Moment | None] = mapped_column(comment="when it was used; using it again is an alarm")
    revoked_at: Mapped[Moment | None] = mapped_column(comment="logout, password change, or reuse of an old token")


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
