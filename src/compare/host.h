/*
 * host.h
 *	  Finds changes that are performed by another change's statement.
 *
 * For example, CREATE TABLE creates a table's columns and constraints, too,
 * and DROP TABLE drops them.  The change of the table is then the host of
 * their changes.  An object that is part of its parent's CREATE statement is
 * folded.  If an object is not folded, but dropped by its host's DROP
 * statement, its change is a rider of the host.  If a column is dropped and
 * created together with the parent table's column, its change is a copy of the
 * host.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_HOST_H
#define CMIG_HOST_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Set the fields "host", "riders", and "copies" of all changes, and "folded" of
 * the changed objects.  Call this again after an object is excluded from its
 * parent's CREATE statement.
 */
extern void cmig_host_find(CmigDifference *difference);

#endif							/* CMIG_HOST_H */
