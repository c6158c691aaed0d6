/*
 * kind_default.h
 *	  Functions with which other modules examine column defaults.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_DEFAULT_H
#define CMIG_KIND_DEFAULT_H

#include "postgres.h"
#include "kinds/kind.h"

/* Returns the column's default as an object, or NULL. */
extern const CmigObject *cmig_default_of(const CmigObject *column);

/* Returns the printed expression of a default. */
extern const char *cmig_default_expression(const CmigObject *value);

#endif							/* CMIG_KIND_DEFAULT_H */
