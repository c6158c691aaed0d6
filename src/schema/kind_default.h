/*
 * kind_default.h
 *	  What other modules need to know about defaults of columns. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_DEFAULT_H
#define CMIG_KIND_DEFAULT_H

#include "postgres.h"
#include "schema/kind.h"

/* The object with the column's default, or NULL. */
extern const CmigObject *cmig_default_of(const CmigObject *column);

/* The printed expression of a default. */
extern const char *cmig_default_expression(const CmigObject *value);

#endif							/* CMIG_KIND_DEFAULT_H */
