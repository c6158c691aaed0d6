/*
 * pg_cmig_session.c
 *	  The library for applications' sessions.
 *
 * It has the functions that policies, defaults, and triggers call, so that a
 * connection that calls one loads little.  It defines no settings, and sets
 * hooks only when they are needed: base/query.c and versions/write.c.  The
 * Makefile lists its files.  Each library has its own state of the files that
 * are in both.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
