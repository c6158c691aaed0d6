/*
 * column_property.h
 *	  The properties of a table column, for the modules that handle columns.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_PROPERTY_H
#define CMIG_COLUMN_PROPERTY_H

/* The index of each property in the column's values. */
typedef enum CmigColumnProperty
{
	CMIG_COLUMN_TYPE,
	CMIG_COLUMN_COLLATION,
	CMIG_COLUMN_NOT_NULL,
	CMIG_COLUMN_IDENTITY,
	CMIG_COLUMN_IDENTITY_OPTIONS,
	CMIG_COLUMN_GENERATED,
	CMIG_COLUMN_STORAGE,
	CMIG_COLUMN_DEFAULT_STORAGE,
	CMIG_COLUMN_COMPRESSION,
	CMIG_COLUMN_STATISTICS,
	CMIG_COLUMN_OPTIONS,
	CMIG_COLUMN_OF_TYPE,
	CMIG_COLUMN_SEQUENCE,
	CMIG_COLUMN_SEQUENCE_NAME,
	CMIG_COLUMN_SEQUENCE_PERSISTENCE,
	CMIG_COLUMN_SEQUENCE_SETTINGS,
	CMIG_COLUMN_CHILDREN
} CmigColumnProperty;

#endif							/* CMIG_COLUMN_PROPERTY_H */
